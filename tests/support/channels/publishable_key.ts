/** The publishable key of the tests' project. */
export const PUBLISHABLE_KEY = "sb_publishable_of_the_tests";
