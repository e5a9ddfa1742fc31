//! What training minimises: L_simple, posterior-mean error and the variational bound.
