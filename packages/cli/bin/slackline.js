#!/usr/bin/env node
// npm links commands before it builds, and leaves out what is not there yet: this file always is.
import '../dist/main.js';
