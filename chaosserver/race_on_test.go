//go:build race

package chaosserver

const raceEnabled = true
