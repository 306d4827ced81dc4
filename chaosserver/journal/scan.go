package journal

import "time"

// View is an attempt in the ring, as [Journal.Scan] shows it. It and all the bytes that it returns are good until
// the function that was given it returns.
type View struct{ a attemptView }

// Seq returns the attempt's ordinal in the run.
func (v *View) Seq() uint64 { return v.a.seq }

// First returns the instant of the first request byte.
func (v *View) First() time.Duration { return v.a.first }

// Status returns the status sent; 0 where a wire fault leaves no answer.
func (v *View) Status() int { return v.a.status }

// N returns the attempt's ordinal in its call.
func (v *View) N() int { return v.a.n }

// Route returns the route's name; empty where none matched.
func (v *View) Route() []byte { return v.a.route }

// Call returns what names the call.
func (v *View) Call() []byte { return v.a.call }

// Method returns the request's method.
func (v *View) Method() []byte { return v.a.method }

// Target returns the request's target, secrets replaced.
func (v *View) Target() []byte { return v.a.target }

// Attempt decodes the whole attempt, without its end. The result is the caller's to keep.
func (v *View) Attempt() *Attempt {
	v.a.all()
	a := new(Attempt)
	new(arena).fill(a, &v.a)
	return a
}

// Scan calls f for each attempt that the ring holds now, oldest first, until f returns false. It decodes no more
// than f asks for, so that counting a million attempts takes some 50 ms. It may be called while others record,
// and so may any method of the journal within f. Attempts that roll out while Scan is on its way are left out.
func (j *Journal) Scan(f func(*View) bool) {
	rd, _ := j.ring.readNow()
	var v View
	for {
		_, k, payload := rd.next()
		if k == 0 {
			return
		}
		if k != kindAttempt {
			continue
		}
		if v.a.glance(payload); !f(&v) {
			return
		}
	}
}
