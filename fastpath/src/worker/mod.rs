//! THE loop: receive, inspect, transmit, refill, publish.
