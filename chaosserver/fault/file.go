package fault

import (
	"path"
	"strings"
)

// fileKind is the Content-Type of a file by its name. It asks no table of the system's, so that it is the same everywhere.
func fileKind(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		return "application/json"
	case ".txt", ".md":
		return "text/plain; charset=utf-8"
	case ".html", ".htm":
		return "text/html; charset=utf-8"
	case ".xml":
		return "application/xml"
	case ".csv":
		return "text/csv; charset=utf-8"
	}
	return "application/octet-stream"
}
