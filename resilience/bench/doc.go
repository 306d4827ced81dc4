// Package bench measures package resilience beside its peers. It is a module of its own: see ../README.md for the command
// and the figures.
package bench
