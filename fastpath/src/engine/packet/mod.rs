//! Views over a packet's headers (etherparse), from the link layer to the payload.
