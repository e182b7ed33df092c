mod faults;
mod login;
mod node;
mod restart;
mod site;
