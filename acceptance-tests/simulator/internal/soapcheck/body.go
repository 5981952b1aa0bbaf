package soapcheck

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"github.com/vio/terraform-provider-vio/acceptance-tests/simulator/internal/schema"
)

// Body checks a whole SOAP request against the vSphere schema, as govmomi's structs know it, and returns it in the form
// that these structs read: vCenter takes a few values in more forms. The error names the path of the first element that
// is wrong.
func Body(data []byte) ([]byte, error) {
	root, err := parse(data)
	if err == nil {
		err = checkEnvelope(root)
	}
	if err != nil {
		return nil, err
	}
	return root.document.edited(), nil
}

func checkEnvelope(root *node) error {
	if root.name != (xml.Name{Space: nsEnvelope, Local: "Envelope"}) {
		return fmt.Errorf("the document is %q, not a SOAP 1.1 envelope", root.name.Local)
	}
	body := root.child("Body")
	if body == nil || len(body.children) != 1 {
		return fmt.Errorf("the SOAP body must hold exactly one method")
	}
	method := body.children[0]
	kind, ok := types.TypeFunc()(method.name.Local)
	if !ok {
		return fmt.Errorf("there is no method %q", method.name.Local)
	}
	return checkElement(method, kind, method.name.Local)
}

// checkElement checks one element against its type, with the path to it for messages.
func checkElement(n *node, kind reflect.Type, path string) error {
	if n.name.Space != nsVim {
		return fmt.Errorf("%s: namespace is %q, not %q", path, n.name.Space, nsVim)
	}
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if kind.Kind() == reflect.Interface {
		return checkPolymorphic(n, kind, path)
	}
	return checkConcrete(n, kind, path)
}

// checkPolymorphic checks an element whose type the request may name. One that it does not name is the schema's own, and
// of anything the schema has none.
func checkPolymorphic(n *node, iface reflect.Type, path string) error {
	name, ok := n.xsiType()
	if kind, known := types.TypeFunc()(declared(iface)); !ok && known {
		return checkContent(n, kind, path)
	}
	if !ok {
		return fmt.Errorf("%s: xsi:type is missing", path)
	}
	if name.Space == nsXSD {
		if iface.NumMethod() > 0 {
			return fmt.Errorf("%s: xsd:%s is not a %s", path, name.Local, declared(iface))
		}
		return checkBuiltin(n, name.Local, path)
	}
	if name.Space != nsVim {
		return fmt.Errorf("%s: xsi:type %q is in namespace %q", path, name.Local, name.Space)
	}
	kind, ok := types.TypeFunc()(name.Local)
	if !ok {
		return fmt.Errorf("%s: there is no type %q", path, name.Local)
	}
	if !reflect.PointerTo(kind).Implements(iface) {
		return fmt.Errorf("%s: a %s is not a %s", path, name.Local, declared(iface))
	}
	return checkContent(n, kind, path)
}

// declared is the schema's name of a govmomi interface: BaseVirtualDevice stands for VirtualDevice.
func declared(iface reflect.Type) string { return strings.TrimPrefix(iface.Name(), "Base") }

// checkConcrete checks an element whose type the schema fixes.
func checkConcrete(n *node, kind reflect.Type, path string) error {
	if name, ok := n.xsiType(); ok && name.Space == nsVim && kind.Kind() == reflect.Struct && name.Local != kind.Name() {
		return fmt.Errorf("%s: xsi:type is %q, the schema has %q", path, name.Local, kind.Name())
	}
	return checkContent(n, kind, path)
}

func checkContent(n *node, kind reflect.Type, path string) error {
	if kind == reflect.TypeFor[types.ManagedObjectReference]() {
		return checkReference(n, path)
	}
	if schema.Leaf(kind) {
		return checkLeaf(n, kind, path)
	}
	if strings.TrimSpace(n.text) != "" {
		return fmt.Errorf("%s: text %q beside elements", path, strings.TrimSpace(n.text))
	}
	return checkSequence(n, schema.Fields(kind), path)
}

func checkReference(n *node, path string) error {
	if len(n.children) > 0 {
		return fmt.Errorf("%s: a managed object reference has no elements", path)
	}
	if n.attr("type") == "" {
		return fmt.Errorf("%s: a managed object reference needs the attribute type", path)
	}
	if strings.TrimSpace(n.text) == "" {
		return fmt.Errorf("%s: the managed object reference is empty", path)
	}
	return nil
}

// checkSequence checks that the children are those of the schema, in its order and number.
func checkSequence(n *node, sequence []schema.Field, path string) error {
	at, seen := 0, 0
	for _, child := range n.children {
		next := find(sequence, at, child.name.Local)
		if next < 0 {
			return outOfPlace(sequence, child.name.Local, path)
		}
		if next > at {
			if err := requireNone(sequence[at:next], seen, path); err != nil {
				return err
			}
			at, seen = next, 0
		}
		seen++
		if seen > 1 && !sequence[at].Repeats {
			return fmt.Errorf("%s: element %q appears more than once", path, child.name.Local)
		}
		if err := checkElement(child, sequence[at].Kind, path+"."+child.name.Local); err != nil {
			return err
		}
	}
	if at >= len(sequence) {
		return nil
	}
	return requireNone(sequence[at:], seen, path)
}

// requireNone reports the first field that had to be there; the first of them was seen so many times.
func requireNone(skipped []schema.Field, seen int, path string) error {
	for i, f := range skipped {
		if f.Required && (i > 0 || seen == 0) {
			return fmt.Errorf("%s: required element %q is missing", path, f.Name)
		}
	}
	return nil
}

func outOfPlace(sequence []schema.Field, name, path string) error {
	if find(sequence, 0, name) >= 0 {
		return fmt.Errorf("%s: element %q is out of the schema's order (%s)", path, name, names(sequence))
	}
	return fmt.Errorf("%s: unknown element %q, the schema has (%s)", path, name, names(sequence))
}
