/**
 * For tests of endpoints: a server in this process whose tokens a test can make.
 * @module
 */
export {};
