// Package scenarios is the grammar of scenario files and the way from a file to a typed, checked scenario with positions. It
// runs nothing.
package scenarios
