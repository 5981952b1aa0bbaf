terraform import vio_component.database prod/database
