// Package schema reads the vSphere schema out of govmomi's Go types: which elements a type has, in which order, and which
// of them must be there.
package schema

import (
	"reflect"
	"strings"
	"sync"
	"time"
)

// Field is one element of a type's sequence.
type Field struct {
	// Name is the element's name.
	Name string
	// Kind is the type of one element, also where it repeats.
	Kind reflect.Type
	// Repeats says that there may be more than one.
	Repeats bool
	// Required says that there must be one.
	Required bool
}

// cache remembers the sequences that reflection found.
var cache sync.Map

// Fields returns the whole sequence of a type. govmomi keeps the schema's order: base types are embedded first.
func Fields(kind reflect.Type) []Field {
	if cached, ok := cache.Load(kind); ok {
		return cached.([]Field)
	}
	base, own := Own(kind)
	var sequence []Field
	if base != nil {
		sequence = append(sequence, Fields(base)...)
	}
	sequence = append(sequence, own...)
	cache.Store(kind, sequence)
	return sequence
}

// Own returns the type that a type extends, or nil, and the elements that it adds.
func Own(kind reflect.Type) (base reflect.Type, own []Field) {
	for i := range kind.NumField() {
		f := kind.Field(i)
		if f.Anonymous {
			base = f.Type
			continue
		}
		if one, ok := newField(f); ok {
			own = append(own, one)
		}
	}
	return base, own
}

func newField(f reflect.StructField) (Field, bool) {
	name, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
	if name == "" || name == "-" || strings.Contains(options, "attr") && !strings.Contains(options, "typeattr") {
		return Field{}, false
	}
	out := Field{Name: name, Kind: f.Type}
	// govmomi gives some optional elements a pointer instead of omitempty.
	out.Required = !strings.Contains(options, "omitempty") && f.Type.Kind() != reflect.Pointer
	if f.Type.Kind() == reflect.Slice && !Leaf(f.Type) {
		out.Repeats, out.Kind = true, f.Type.Elem()
	}
	return out, true
}

// Leaf says whether values of a type are text and not elements.
func Leaf(kind reflect.Type) bool {
	if kind == reflect.TypeFor[time.Time]() {
		return true
	}
	if kind.Kind() == reflect.Slice {
		return kind.Elem().Kind() == reflect.Uint8
	}
	return kind.Kind() != reflect.Struct && kind.Kind() != reflect.Interface
}

// Enum is what govmomi's enumerations implement: their values.
type Enum interface{ Strings() []string }
