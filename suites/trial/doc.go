// Package trial runs one scenario against one client, from the start of the chaos server to the verdict: it starts the
// server with a journal in a file, lets the client work, ends it, and judges the file.
//
// A trial ends when the client does, when nothing has come for as long as Config.Quiet says, at its time limit, or with its
// context; the client is ended in all of them, and what came of it is judged in all of them.
//
// Where nothing but the machine's own lateness kept a check from being judged, the trial is run again, once, with no
// other beside it.
package trial
