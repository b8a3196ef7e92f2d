//! Where packets come from and go to: AF_XDP, capture files, memory.
