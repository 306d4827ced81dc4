package httpclient

import (
	"context"
	"sync"
	"time"
)

// deadlines ends the attempts to a host whose time is over. All of them have the same timeout, so they are due in the order in
// which they began, and one timer, set for the first of them, does for all. It runs on when an attempt ends in time: to set it
// anew for each would cost more than all the rest of an attempt.
type deadlines struct {
	base    time.Time // instants are counted from here
	timeout time.Duration

	mu    sync.Mutex // guards what follows, and the links of every attempt in the list
	first *attempt   // in the order in which they are due
	last  *attempt
	timer *time.Timer
	armed bool // the timer will call expire, or expire runs
}

// add starts the clock of an attempt.
func (d *deadlines) add(a *attempt) {
	a.due = time.Since(d.base) + d.timeout
	d.mu.Lock()
	defer d.mu.Unlock()
	after := d.last
	for after != nil && after.due > a.due { // it read the clock later, and was here sooner
		after = after.prev
	}
	d.insert(a, after)
	if !d.armed {
		d.armed = true
		if d.timer == nil {
			d.timer = time.AfterFunc(d.timeout, d.expire)
		} else {
			d.timer.Reset(d.timeout)
		}
	}
}

// remove stops the clock of an attempt, if it still runs.
func (d *deadlines) remove(a *attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.listed {
		d.unlink(a)
	}
}

// expire ends what is due and sets the timer for what is due next.
func (d *deadlines) expire() {
	for _, a := range d.takeDue() {
		a.end(context.DeadlineExceeded)
	}
}

func (d *deadlines) takeDue() (due []*attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Since(d.base)
	for d.first != nil && d.first.due <= now {
		due = append(due, d.first)
		d.unlink(d.first)
	}
	if d.armed = d.first != nil; d.armed {
		d.timer.Reset(d.first.due - now)
	}
	return due
}

// insert puts a behind another attempt; nil is the front of the list. It requires mu, as does unlink.
func (d *deadlines) insert(a, after *attempt) {
	a.listed = true
	next := d.first
	if after != nil {
		next = after.next
	}
	a.prev, a.next = after, next
	if after == nil {
		d.first = a
	} else {
		after.next = a
	}
	if next == nil {
		d.last = a
	} else {
		next.prev = a
	}
}

func (d *deadlines) unlink(a *attempt) {
	if a.prev == nil {
		d.first = a.next
	} else {
		a.prev.next = a.next
	}
	if a.next == nil {
		d.last = a.prev
	} else {
		a.next.prev = a.prev
	}
	a.prev, a.next, a.listed = nil, nil, false
}
