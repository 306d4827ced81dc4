// Package verdict judges a journal against a scenario: checks to findings, and findings to an outcome. It is pure: no
// input or output, no clock.
package verdict
