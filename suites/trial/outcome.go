package trial

import "brownout/suites/verdict"

// Overall returns what several trials came to together: fail if any failed, else error if any could not run, else
// inconclusive if any was, else pass. A warning passes. Trials that were skipped change nothing, but nothing except
// skips, or no trial at all, is inconclusive.
func Overall(outcomes ...verdict.Outcome) verdict.Outcome {
	seen := make(map[verdict.Outcome]bool)
	for _, o := range outcomes {
		seen[o] = true
	}
	for _, o := range []verdict.Outcome{verdict.Fail, verdict.Error, verdict.Inconclusive} {
		if seen[o] {
			return o
		}
	}
	if seen[verdict.Pass] || seen[verdict.Warn] || seen[verdict.Info] {
		return verdict.Pass
	}
	return verdict.Inconclusive
}
