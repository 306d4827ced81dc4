package journal

import (
	"bytes"
	"strings"
)

// arena makes the strings and lists of a Log from bytes that will be overwritten. With bulk it puts them side by
// side in large blocks, so that a million records cost a few thousand allocations and little to collect; without,
// each is on its own.
type arena struct {
	bulk    bool
	text    strings.Builder
	numbers []int
	fields  []Field

	// What the attempt before had, which is most often what the next has.
	lastBlock  []byte
	lastFields []Field
	last       [internSlots]string
}

const (
	arenaText    = 64 << 10
	arenaNumbers = 4 << 10
	arenaFields  = 4 << 10
)

// Slots of arena.same: the strings that repeat from one attempt to the next.
const (
	slotRoute = iota
	slotMethod
	slotTarget
	slotHost
	slotPhase
	slotReason
	slotWire
	slotRetryAfter
	slotClient
	slotNearest
	slotFailure
	slotRemote
	slotConnReason
	slotConnHost
	internSlots
)

// size returns how much room to make for n more.
func (a *arena) size(n, block int) int {
	if a.bulk {
		return max(n, block)
	}
	return n
}

// str returns b as a string.
func (a *arena) str(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if a.text.Cap()-a.text.Len() < len(b) {
		a.text = strings.Builder{}
		a.text.Grow(a.size(len(b), arenaText))
	}
	from := a.text.Len()
	a.text.Write(b)
	return a.text.String()[from:]
}

// same returns b as a string, the one before in the slot where that is equal.
func (a *arena) same(slot int, b []byte) string {
	if string(b) != a.last[slot] {
		a.last[slot] = a.str(b)
	}
	return a.last[slot]
}

// ints returns a list that decoder.ints returned; nil where it is empty.
func (a *arena) ints(list []byte) []int {
	d := decoder{p: list}
	n := int(d.uvarint())
	if n == 0 {
		return nil
	}
	out := a.newInts(n)
	for i := range out {
		out[i] = d.int()
	}
	return out
}

func (a *arena) newInts(n int) []int {
	if cap(a.numbers)-len(a.numbers) < n {
		a.numbers = make([]int, 0, a.size(n, arenaNumbers))
	}
	from := len(a.numbers)
	a.numbers = a.numbers[:from+n]
	return a.numbers[from : from+n : from+n]
}

// headers returns the fields of a header block; nil where it is empty. Attempts with equal blocks share them.
func (a *arena) headers(block []byte) []Field {
	if len(block) == 0 {
		return nil
	}
	if bytes.Equal(block, a.lastBlock) {
		return a.lastFields
	}
	n := 0
	for d := (decoder{p: block}); d.i < len(block); n++ {
		d.bytes()
		d.bytes()
	}
	out := a.newFields(n)
	d := decoder{p: block}
	for i := range out {
		out[i] = Field{Name: a.fieldName(i, d.bytes()), Value: a.fieldValue(i, d.bytes())}
	}
	a.lastBlock = append(a.lastBlock[:0], block...)
	a.lastFields = out
	return out
}

// fieldName returns the name of the i-th field, the one of the block before where that is equal.
func (a *arena) fieldName(i int, name []byte) string {
	if i < len(a.lastFields) && string(name) == a.lastFields[i].Name {
		return a.lastFields[i].Name
	}
	return a.str(name)
}

// fieldValue is fieldName for the value.
func (a *arena) fieldValue(i int, value []byte) string {
	if i < len(a.lastFields) && string(value) == a.lastFields[i].Value {
		return a.lastFields[i].Value
	}
	return a.str(value)
}

func (a *arena) newFields(n int) []Field {
	if cap(a.fields)-len(a.fields) < n {
		a.fields = make([]Field, 0, a.size(n, arenaFields))
	}
	from := len(a.fields)
	a.fields = a.fields[:from+n]
	return a.fields[from : from+n : from+n]
}
