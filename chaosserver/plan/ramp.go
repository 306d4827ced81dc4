package plan

import (
	"time"

	"brownout/scenarios"
)

// ramp is a chance that changes along a straight line over the window of its fault's own triggers: the elapsed
// window where it has an end, each period anew where it repeats; else the phases.
type ramp struct {
	from, to float64
	window   *scenarios.Window // nil: the phases
	phases   []part            // by phase
}

// part is the place of a phase in a ramp over several: the line's length before the phase and in all, in
// nanoseconds or in attempts, as the phase itself is measured.
type part struct{ before, whole float64 }

// newRamp prepares a chance with a ramp for the phases that are marked; no marks mean all.
func newRamp(phases []scenarios.Phase, f *scenarios.Fault, marks []bool) *ramp {
	r := &ramp{from: f.Chance.From, to: f.Chance.To}
	if w := f.When.Elapsed; w != nil && (w.Every > 0 || w.To > 0) {
		r.window = w
		return r
	}
	first, last := -1, -1
	for i := range phases {
		if marks == nil || marks[i] {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return r
	}
	r.phases = make([]part, len(phases))
	if !sameMeasure(phases[first : last+1]) {
		for i := range phases {
			r.phases[i] = part{whole: length(&phases[i])}
		}
		return r
	}
	whole := 0.0
	for i := first; i <= last; i++ {
		r.phases[i].before = whole
		whole += length(&phases[i])
	}
	for i := range phases {
		r.phases[i].whole = whole
	}
	return r
}

// sameMeasure reports whether all phases are in time, or all in attempts. One line runs over those; where they are
// mixed each has the line to itself.
func sameMeasure(phases []scenarios.Phase) bool {
	for i := range phases {
		if (phases[i].Attempts > 0) != (phases[0].Attempts > 0) {
			return false
		}
	}
	return true
}

// length returns the length of a phase in its own measure, 0 where it is open.
func length(p *scenarios.Phase) float64 {
	if p.Attempts > 0 {
		return float64(p.Attempts)
	}
	return float64(p.For)
}

// at returns the chance at a moment. Outside of a window, and in one without an end, it stays at the line's start.
func (r *ramp) at(phases []scenarios.Phase, elapsed time.Duration, m moment) float64 {
	done := 0.0
	if w := r.window; w != nil && w.Every > 0 {
		done = share(float64((elapsed-w.From)%w.Every), float64(w.For))
	} else if w != nil {
		done = share(float64(elapsed-w.From), float64(w.To-w.From))
	} else if m.phase >= 0 && r.phases != nil {
		p := r.phases[m.phase]
		since := float64(m.since.elapsed)
		if phases[m.phase].Attempts > 0 {
			since = float64(m.since.arrival)
		}
		done = share(p.before+since, p.whole)
	}
	return r.from + float64((r.to-r.from)*done)
}

// share returns part/whole between 0 and 1, and 0 of nothing.
func share(part, whole float64) float64 {
	if !(whole > 0) {
		return 0
	}
	return min(max(part/whole, 0), 1)
}
