// The functions are resources of this target.
