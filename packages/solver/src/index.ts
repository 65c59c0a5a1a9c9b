/** Mixed-integer programs solved by HiGHS (WebAssembly), in place or on a thread of its own. */
export {};
