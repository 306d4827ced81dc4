package trial

import (
	"time"

	"brownout/scenarios"
)

// Patience is how long a trial may take beyond what its scenario names, unless it is given a limit.
const Patience = 2 * time.Minute

// DefaultTimeout returns the time limit of a trial that is given none: Patience beyond the longer of the scenario's phases
// and what its drive names by for, wait and settle, or its deliveries by their times.
func DefaultTimeout(s *scenarios.Scenario) time.Duration {
	var phases, drive time.Duration
	for _, p := range s.Phases {
		phases += p.For
	}
	for _, step := range s.Drive {
		drive += step.For + step.Wait
		if step.Settle != nil {
			drive += *step.Settle
		}
	}
	return max(phases, drive, s.DeliveriesEnd()) + Patience
}
