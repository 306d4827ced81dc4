package scenarios

import (
	"slices"
	"sync"
)

var checkRows = sync.OnceValue(checkTable)

// Checks returns the grammar of checks, in the order of its documentation. The slice is the caller's, what its elements
// hold is shared and read-only.
func Checks() []Check {
	checks := make([]Check, len(checkRows()))
	for i, c := range checkRows() {
		checks[i] = *c
	}
	return checks
}

// CheckNamed returns the row of a check.
func CheckNamed(name string) (Check, bool) {
	for _, c := range checkRows() {
		if c.Name == name {
			return *c, true
		}
	}
	return Check{}, false
}

// Keys returns every key of the grammar, place by place, in the order in which files are printed; the parameters of checks
// come last. The slice is the caller's, what its elements hold is shared and read-only.
func Keys() []Key { return slices.Clone(keyRows()) }

var keyRows = sync.OnceValue(func() []Key {
	var keys []Key
	for _, rows := range [][]*Key{
		keysOf(scenarioPlace), keysOf(serverPlace), keysOf(profilePlace), keysOf(phasePlace), keysOf(identityPlace), keysOf(routePlace), keysOf(commitPlace), keysOf(matchPlace),
		keysOf(answerPlace), keysOf(repeatPlace), keysOf(retryAfterPlace), keysOf(delayPlace), keysOf(holdPlace), keysOf(faultPlace), keysOf(limitPlace), keysOf(quotaPlace), keysOf(whenPlace),
		keysOf(periodicPlace), keysOf(burstPlace), keysOf(deliveryPlace), keysOf(triggerPlace), keysOf(stepPlace),
	} {
		for _, k := range rows {
			keys = append(keys, *k)
		}
	}
	for _, r := range commonRows {
		keys = append(keys, r.Key)
	}
	for _, c := range checkRows() {
		keys = append(keys, c.Params...)
	}
	return keys
})

// keysOf returns the keys of a place, but for those that are listed with another place already.
func keysOf[P any](p *place[P]) []*Key {
	return slices.DeleteFunc(p.keys(), func(k *Key) bool { return k.In[0] != p.in })
}

// Faults returns the keys of an answer that a healthy upstream would have no use for: the kinds of faults.
func Faults() []Key {
	return slices.DeleteFunc(Keys(), func(k Key) bool { return !k.Fault })
}
