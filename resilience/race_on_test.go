//go:build race

package resilience_test

// underRace says that the race detector is on, under which a memory access costs twenty times as much.
const underRace = true
