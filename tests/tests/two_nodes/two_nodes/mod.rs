mod front_doors;
mod login;
mod node;
mod redis;
mod restart;
mod rotation;
mod site;
mod telemetry;
#[path = "../../faults/faults/tool.rs"]
mod tool;
