// Nothing answers on a public address: a network with private endpoints and their DNS zones is made. Peer it with the network of Kafka,
// and deploy the package from inside.
using '../main.bicep'

param virtualNetwork = {
  kind: 'new'
  addressPrefix: '10.40.0.0/23'
}
param publicNetworkAccess = false
param flex = {
  instanceMemoryMB: 4096
  maximumInstanceCount: 100
  alwaysReady: [
    {
      name: 'durable'
      instanceCount: 1
    }
  ]
}
param pipelineSettings = {
  KAFKA_BROKERS: 'kafka-1.internal.example.com:9093'
}
