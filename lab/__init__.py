"""The laboratory: it tries to break the promise. `make sim`, `make soak`, `make faults`; docs/laboratory.md."""
