package store

import (
	"encoding/binary"
	"math/bits"
)

// index finds the slots of keys: a hash table with open addressing and linear probing whose entries are the number of a slot and
// eight bits of its key, so that almost no slot is looked at in vain. An entry takes four bytes, and five to eight with the
// room that such a table needs.
type index struct {
	entries []uint32 // 0 is empty
	used    int
}

const (
	maxSlots   = 1<<24 - 1 // in one index; numbers are kept plus one
	numberMask = 1<<24 - 1

	leastEntries        = 16
	fullIndex, newIndex = 0.8, 0.55 // how full an index gets before it is made anew, and how full the new one is
)

// home returns where the search for key begins, and the bits of it that an entry has. Neither are the bits that pick a shard.
func (x *index) home(key *Key) (at uint64, tag uint32) {
	at, _ = bits.Mul64(binary.BigEndian.Uint64(key[8:]), uint64(len(x.entries)))
	return at, uint32(key[7]) << 24
}

func (x *index) next(at uint64) uint64 {
	if at++; at == uint64(len(x.entries)) {
		return 0
	}
	return at
}

// find returns the number of the slot of key.
func (x *index) find(s *slots, key *Key) (i uint32, ok bool) {
	if x.used == 0 {
		return 0, false
	}
	at, tag := x.home(key)
	for e := x.entries[at]; e != 0; e = x.entries[at] {
		if i := e&numberMask - 1; e&^numberMask == tag && s.at(i).key == *key {
			return i, true
		}
		at = x.next(at)
	}
	return 0, false
}

// add adds the slot i, whose key is not in the index.
func (x *index) add(s *slots, i uint32) {
	if x.used++; float64(x.used) > fullIndex*float64(len(x.entries)) {
		x.rebuild(s)
		return
	}
	x.put(&s.at(i).key, i)
}

func (x *index) put(key *Key, i uint32) {
	at, tag := x.home(key)
	for x.entries[at] != 0 {
		at = x.next(at)
	}
	x.entries[at] = tag | (i + 1)
}

// rebuild makes the index of all slots in use anew, with room for more.
func (x *index) rebuild(s *slots) {
	x.entries = make([]uint32, max(leastEntries, int(float64(x.used)/newIndex)))
	for i := range s.n { // in this order, since what is near is fast
		if e := s.at(i); e.until != 0 {
			x.put(&e.key, i)
		}
	}
}

// remove removes the slot i, and moves up those behind it, so that no search ends too early (Knuth, vol. 3, 6.4, algorithm R).
func (x *index) remove(s *slots, i uint32) {
	at, tag := x.home(&s.at(i).key)
	for x.entries[at] != tag|(i+1) {
		at = x.next(at)
	}
	x.used--
	for behind := x.next(at); x.entries[behind] != 0; behind = x.next(behind) {
		home, _ := x.home(&s.at(x.entries[behind]&numberMask - 1).key)
		if x.reaches(home, at, behind) {
			x.entries[at] = x.entries[behind]
			at = behind
		}
	}
	x.entries[at] = 0
}

// reaches reports whether a search that begins at home comes by at before it comes to behind.
func (x *index) reaches(home, at, behind uint64) bool {
	if at <= behind {
		return home <= at || home > behind
	}
	return home <= at && home > behind
}
