//go:build !linux

package fault

import "errors"

func newAlarm() (alarm, error) { return nil, errors.ErrUnsupported }
