// Package oracle holds what the chaos server writes of quotas to a parser of structured fields (RFC 9651) that others wrote. It
// is a module of its own, so that no user of Brownout downloads the parser.
package oracle
