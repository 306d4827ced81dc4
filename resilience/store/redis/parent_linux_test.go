package redis_test

import "syscall"

// endWithParent ends a server whose test died without ending it.
var endWithParent = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
