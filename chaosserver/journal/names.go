package journal

import "strconv"

// The names of enumerated values, in the journal's file and in what people read.
var (
	closerNames = [...]string{"", "server-fin", "server-rst", "client-fin", "client-rst"}
	namingNames = [...]string{"print", "prefix", "path", "header"}
	ledgerNames = [...]string{"", "stored", "in-flight", "mismatch", "missing"}
)

// String returns the closer's name as in a journal's file, such as "client-rst"; "open" for ClosedNot; the number
// of one that does not exist.
func (c Closer) String() string {
	if c == ClosedNot {
		return "open"
	}
	return nameOf(closerNames[:], int(c))
}

// String returns the naming's name as in a journal's file, such as "prefix"; the number of one that does not exist.
func (n Naming) String() string { return nameOf(namingNames[:], int(n)) }

// String returns the word as in a journal's file, such as "in-flight"; "none" for LedgerNone; the number of one that
// does not exist.
func (l Ledger) String() string {
	if l == LedgerNone {
		return "none"
	}
	return nameOf(ledgerNames[:], int(l))
}

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return strconv.Itoa(i)
}

// valueOf returns the value that has a name, -1 where none has.
func valueOf(names []string, name []byte) int {
	for i, n := range names {
		if n == string(name) {
			return i
		}
	}
	return -1
}
