// Package plan decides what the server does to each connection and each attempt: (scenario, input) to decision, with
// its reason. It does nothing itself, reads no clock, and imports only scenarios.
//
// # What a decision depends on
//
// [New] makes a scenario ready; [Plan.Connection] and [Plan.Attempt] decide. All that they look at is the scenario
// and what they are given, so a decision can be recomputed from a journal that stores its [Input]. The one exception
// are phases of which some are measured in time and some in attempts: where the one kind follows the other, the
// first attempt seen beyond the old phase marks the start of the new one.
//
// Chance is a function of (seed, fault name, route name, call, attempt), and for a connection of (seed, fault name,
// ordinal of the connection). So the k-th call of a route meets the same faults however many others are under way,
// a retry draws anew, and neither changes when a route or a fault is put before others. Delays are drawn from the
// same point under a label of their own, the lengths of bursts under another. What the triggers nth, every,
// conn_request, elapsed, phase and burst see depends on arrival and on time, and is as repeatable as those are.
//
// A seed means the same on every operating system and processor: keys are hashed with FNV-1a, points with
// splitmix64, bits come from PCG-DXSM, and logarithms, exponentials and normal quantiles from code in this package
// that leaves no rounding to the compiler.
//
// # How faults combine
//
// The faults of a scenario stand in front of its routes as a gateway does. Each whose triggers hold and whose chance
// is won adds its delay; the first wire fault stands; the first with a status answers, and then the route does not.
// What a fault answers uses up the attempt's number, but not the entry of answers whose turn it was: that is counted
// by Input.Entries, which the caller raises by one for each decision without [Decision.Fault].
//
// [Explain] tells the same beforehand, as a table and in words.
package plan
