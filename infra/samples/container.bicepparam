// Continuous mode: a container for each pipeline, for seconds between commits or a flow that never ebbs.
using '../main.bicep'

param host = 'container'
param image = 'acmeregistry.azurecr.io/matih:0.1.0'
param registryName = 'acmeregistry'
param containerPipelines = [
  {
    name: 'typed-orders'
    definition: loadTextContent('../../samples/typed-orders.yaml')
    cpu: '1.0'
  }
  {
    name: 'clickstream'
    definition: loadTextContent('../../samples/realtime-clickstream.yaml')
    cpu: '2.0'
  }
]
param stateDirectory = '/var/lib/matih'
param pipelineSettings = {
  KAFKA_CONNECTION: 'kafka-1.example.com:9093'
}
param pipelineSecrets = {
  SCHEMA_REGISTRY_URL: 'schema-registry-url'
}
