// Package verdict judges a journal against a scenario: checks to findings, and findings to an outcome. It is pure: no
// input or output, no clock, so a journal judged again gives the same findings.
//
// # What is judged
//
// The attempts of a journal are sorted by call. Each entry of a scenario's expect is a check over the calls of its
// route and phase, and becomes one finding. What must have happened holds unwritten: the client called, and every
// scripted answer, fault and phase was reached. A client that was ended by a signal or could not run is an error.
//
// # When the evidence does not carry a judgement
//
// A finding says fail only where nothing but the client explains what was seen. Otherwise it is inconclusive:
//
//   - Calls that nothing names, and that look alike, may have exchanged attempts. A failure that one call shows whose
//     attempts are certain stands all the same.
//   - A transport replay is an attempt that a connection which died under it explains: the attempt before was not the
//     first on its connection and got no byte of an answer, and this one came on another connection within 30 ms, at
//     most once a call. A check is judged with it and without; where that makes the difference, nobody can say.
//   - A connection cut at accept or tls counts for the one call in progress; with several, it might be any one's.
//   - Dropped records: what rests on something that is not in the record cannot be told from a gap in it.
//   - Lateness: a wait that was too long, but not longer than the machine itself was late in it.
//
// A check that saw nothing to judge is inconclusive too; one that saw less than its sample is skipped, and says what it
// saw and what it needs.
//
// Silence on the wire may be an open circuit or an idle client. What looks at the calls that never reached it, at how long
// they took and at when they were cancelled rests on what the client says of each call; a client that takes no orders says
// nothing, and those checks are skipped. A call that its client refused belongs to the route, the phase and the case that it
// was meant for, as the scenario's drive has it.
//
// # Timing
//
// A lower bound on a wait runs from the instant before the answer's header block was written to the first byte of the
// next attempt, so it is never shorter than the client's own wait; timers may fire 25 ms early. An upper bound runs
// from the end of the answer, with 500 ms and 5 % of slack.
//
// # Adding a check
//
// A row of the grammar in package scenarios, a row in this package's table (see [Checks]), and a file with the function
// that judges it. What is said above is done for all checks in one place; a row only says what kind of evidence its
// check looks at.
package verdict
