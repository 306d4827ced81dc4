// Package report turns the outcome of a run into what people and programs read: text for a terminal, and JSON. Every
// report is made from one value, Run, so that all of them say the same.
//
// The text of a failed trial is the product's most important page. It says in one sentence with a number what the client
// did, points at the two lines of the scenario that matter (what the server was told to do, and what was expected),
// shows every attempt, and ends with the command that runs it again. It fits into 30 lines of at most 100 columns.
//
// Text that a client chose, such as its User-Agent, is written with its control characters escaped, so that no client
// can drive the terminal of whoever reads about it.
package report
