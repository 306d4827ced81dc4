package main

import (
	"crypto/rand"
	"encoding/binary"
	"reflect"
	"strconv"

	"brownout/scenarios"
)

// reseed gives the scenarios the seed of the command line: a number, or random for one that is drawn; "" leaves them
// theirs.
func reseed(sources []source, text string) error {
	if text == "" {
		return nil
	}
	seed, err := parseSeed(text)
	if err != nil {
		return err
	}
	for i := range sources {
		if sources[i].scenario != nil {
			sources[i].scenario = sources[i].scenario.WithSeed(seed)
		}
	}
	return nil
}

func parseSeed(text string) (uint64, error) {
	if text == "random" {
		var b [4]byte // short enough to be typed again
		_, _ = rand.Read(b[:])
		return uint64(binary.LittleEndian.Uint32(b[:])), nil
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, usage("write --seed 42 or --seed random", "--seed is a number or random, got %q", text)
	}
	return seed, nil
}

func sameType(a, b scenarios.Params) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }
