variable "name" {
  description = "Name of the deployment."
  type        = string
  default     = "prod"
}

variable "datacenter" {
  description = "Datacenter of the deployment."
  type        = string
  default     = "dc1"
}

variable "controllers" {
  description = "How many controllers."
  type        = number
  default     = 2
}

variable "object_storage" {
  description = "Whether the cloud has object storage."
  type        = bool
  default     = false
}
