package soapcheck

import (
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Managed says whether there is a managed object type of this name.
func Managed(kind string) bool { return mo.IsManagedObjectType(kind) }

// Property says whether a managed object type has a property path, as in "config.extraConfig[\"a\"].value". What lies
// beyond a polymorphic value is taken for granted: only the object at hand could tell.
func Property(kind, path string) bool {
	if !Managed(kind) {
		return false
	}
	object, err := mo.ObjectContentToType(types.ObjectContent{Obj: types.ManagedObjectReference{Type: kind}})
	if err != nil {
		return false
	}
	t := reflect.TypeOf(object)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return walk(t, splitPath(path))
}

// splitPath splits at dots outside of brackets and quotes, as keys may hold dots.
func splitPath(path string) []string {
	var parts []string
	depth, start := 0, 0
	for i, r := range path {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case r == '.' && depth == 0:
			parts = append(parts, path[start:i])
			start = i + 1
		}
	}
	return append(parts, path[start:])
}

func walk(t reflect.Type, parts []string) bool {
	for i, part := range parts {
		name, key, keyed := strings.Cut(part, "[")
		next, ok := property(t, name)
		if !ok || keyed && !strings.HasSuffix(key, "]") {
			return false
		}
		last := i == len(parts)-1
		if next.Kind() == reflect.Slice {
			if keyed {
				next = next.Elem()
			} else if !last {
				return false // a field of an array's elements cannot be asked for
			}
		} else if keyed {
			return false
		}
		for next.Kind() == reflect.Pointer {
			next = next.Elem()
		}
		if next.Kind() == reflect.Interface {
			return true
		}
		if !last && next.Kind() != reflect.Struct {
			return false
		}
		t = next
	}
	return true
}

// property finds the type of a property by its schema name, in the type itself or in what it embeds.
func property(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() != reflect.Struct || name == "" {
		return nil, false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			if found, ok := property(f.Type, name); ok {
				return found, true
			}
			continue
		}
		if f.Name != "Self" && strings.ToLower(f.Name[:1])+f.Name[1:] == name {
			return f.Type, true
		}
	}
	return nil, false
}
