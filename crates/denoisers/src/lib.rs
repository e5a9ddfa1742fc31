//! What a model believes: predictions, parameterisations, variances, exact denoisers and wrappers.
