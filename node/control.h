/**
 * What an operator does to a running cluster: `switchboard kick`, `switchboard call end`, `switchboard drain`. Each asks, waits until it is done, and says so.
 */
#ifndef NODE_CONTROL_H
#define NODE_CONTROL_H

int kick_main(int argc, const char *const *argv);
int call_main(int argc, const char *const *argv);
int drain_main(int argc, const char *const *argv);

#endif
