//! The planner against a model of vCenter: every plan is judged, carried out in any allowed order, and looked at again.

mod cloud;
mod crash;
mod drains;
mod laws;
mod model;
mod nsx;
mod refusals;
mod rolls;
mod rules;
mod scale;
