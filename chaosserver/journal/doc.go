// Package journal is the record of a run: connections and attempts as they happened, in a bounded ring in memory and
// in a file of newline-delimited JSON. It is the only evidence that a verdict has.
package journal
