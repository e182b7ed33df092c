mod login;
mod node;
mod redis;
mod restart;
mod rotation;
mod site;
mod telemetry;
