package resilience

import (
	"cmp"
	"math/bits"
	"slices"
)

// stretch is a part of a limiter's line of time, in ticks, long enough for the tokens of one caller.
type stretch struct {
	start, end int64
	id         uint64 // of a reservation that had to wait; 0 otherwise
	epoch      int    // how often the rate had been changed
}

// line is the part of a limiter's line of time that is promised but not yet taken: the stretches of those who wait, which
// move up when one before them is given back, and those of reservations, which cannot, for they were told an instant.
// Where there is neither, bucket.end says all; where there are gaps, the bucket is sealed and line says all; where there
// are none, others may still take tokens at the end of the line. Everything here is guarded by Limiter.mu.
type line struct {
	front int64     // what lies before is taken; only while something is promised
	floor int64     // where a pause lets the line begin
	fixed []stretch // of reservations, sorted
	queue waitQueue // of those who wait, in the order of arrival and of their stretches
	loose bool      // something was given back, so that the queue may move up
	ids   uint64    // the last one given
	epoch int       // how often the rate was changed
}

func (n *line) gaps() bool { return n.loose || len(n.fixed) > 0 }

// sync takes note of what others took at the end of the line, which they left at end.
func (n *line) sync(end int64) {
	if n.queue.first == nil {
		n.front = end
	} else if last := n.end(); end > last {
		n.fixed = append(n.fixed, stretch{start: last, end: end})
	}
}

// settle lets those go who are due, and forgets reservations that nothing can come before any more.
func (n *line) settle(now, span int64) {
	for {
		w := n.queue.first
		switch {
		case len(n.fixed) > 0 && n.fixed[0].end-span <= now && n.fixed[0].start <= max(n.front, now):
			n.front = max(n.front, n.fixed[0].end)
			n.fixed = slices.Delete(n.fixed, 0, 1)
		case w != nil && w.at.end-span <= now:
			n.queue.remove(w)
			n.take(w.at, now)
			w.grant()
		default:
			return
		}
	}
}

// take takes a stretch that is due.
func (n *line) take(s stretch, now int64) {
	if s.start <= max(n.front, now) {
		n.front = max(n.front, s.end)
	} else {
		n.reserve(s) // there is room before it
	}
}

// lay lets the queue move up: every waiter gets the first room there is behind the one before.
func (n *line) lay(now int64) {
	for w := n.queue.first; w != nil; w = w.next {
		w.at = n.room(w.at.end-w.at.start, w.prev, now)
	}
	n.loose = false
}

// room returns the first stretch of the given length that is behind the waiter after, or behind what is taken.
func (n *line) room(length int64, after *waiter, now int64) stretch {
	at := max(n.front, now)
	if after != nil {
		at = max(at, after.at.end)
	}
	for _, f := range n.fixed {
		if at+length <= f.start {
			break
		}
		at = max(at, f.end)
	}
	return stretch{start: at, end: at + length, epoch: n.epoch}
}

// end returns where the line ends.
func (n *line) end() int64 {
	end := n.front
	if len(n.fixed) > 0 {
		end = max(end, n.fixed[len(n.fixed)-1].end)
	}
	if w := n.queue.last; w != nil {
		end = max(end, w.at.end)
	}
	return end
}

// reserve adds a stretch that must not move.
func (n *line) reserve(s stretch) {
	i, _ := slices.BinarySearchFunc(n.fixed, s, func(a, b stretch) int { return cmp.Compare(a.start, b.start) })
	n.fixed = slices.Insert(n.fixed, i, s)
}

// giveBack takes s off the line if that makes room: if it is of a reservation, or what was taken last at the present rate.
func (n *line) giveBack(s stretch) {
	same := func(f stretch) bool { return f.id == s.id && (s.id != 0 || f == s) }
	if i := slices.IndexFunc(n.fixed, same); i >= 0 {
		n.fixed = slices.Delete(n.fixed, i, i+1)
		n.loose = true
	} else if s.end == n.front && s.epoch == n.epoch {
		n.front = max(s.start, n.floor)
		n.loose = true
	}
}

// rescale moves everything beyond the tick from so that its distance, counted in intervals, stays the same.
func (n *line) rescale(from, interval, next int64) {
	n.epoch++
	n.front = rescale(n.front, from, interval, next)
	n.floor = rescale(n.floor, from, interval, next)
	for i := range n.fixed {
		f := &n.fixed[i]
		f.start, f.end = rescale(f.start, from, interval, next), rescale(f.end, from, interval, next)
	}
	for w := n.queue.first; w != nil; w = w.next {
		w.at = stretch{end: (w.at.end - w.at.start) / interval * next}
	}
	n.loose = true
}

func rescale(tick, from, interval, next int64) int64 {
	if tick <= from {
		return tick
	}
	hi, lo := bits.Mul64(uint64(tick-from), uint64(next))
	if hi >= uint64(interval) {
		return farAway
	}
	q, r := bits.Div64(hi, lo, uint64(interval))
	if r > 0 {
		q++
	}
	return from + int64(min(q, uint64(farAway-from)))
}
