// Package fault carries out what the plan has decided: it writes answers as a scenario describes them, byte for byte,
// waits out delays and ends connections. A file holds one fault, or one part of an answer, and is named after it; the
// table in table.go says what carries out which key.
//
// The package writes Retry-After and dates on its own and shares no code with the clients that are judged by them.
package fault
