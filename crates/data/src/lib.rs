//! Embedded Fashion-MNIST, IDX and CIFAR-10 binary readers, and batches.
