"""archc: the compiler for .arch."""
