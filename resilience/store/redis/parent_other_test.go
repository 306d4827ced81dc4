//go:build !linux

package redis_test

import "syscall"

// endWithParent is for systems that cannot end a child with its parent.
var endWithParent *syscall.SysProcAttr
