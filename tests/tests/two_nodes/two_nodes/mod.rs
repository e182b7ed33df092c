mod login;
mod node;
mod redis;
mod restart;
mod site;
