// What a platform team has already: lake, vault, workspace, subnets, DNS zones in a hub, a convention for names, action groups.
using '../main.bicep'

param prefix = 'orders'
param names = {
  identity: 'id-orders-prod-weu'
  app: 'func-orders-prod-weu'
  plan: 'asp-orders-prod-weu'
  hostStorage: 'stordersfuncprodweu'
  insights: 'appi-orders-prod-weu'
}
param tags = {
  application: 'orders'
  'cost-center': '4711'
}
param warehouse = {
  container: 'warehouse'
  folder: 'streams'
  hierarchicalNamespace: true
  sku: 'Standard_ZRS'
  softDeleteDays: 7
  existingAccount: 'stlakeprodweu'
  existingResourceGroup: 'rg-lake-prod'
}
param catalog = 'lake'
param vault = {
  name: 'kv-platform-prod'
  resourceGroup: 'rg-platform-prod'
}
param workspaceId = '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-platform-prod/providers/Microsoft.OperationalInsights/workspaces/log-platform-prod'
param virtualNetwork = {
  kind: 'existing'
  appSubnetId: '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-network-prod/providers/Microsoft.Network/virtualNetworks/vnet-prod/subnets/orders'
  endpointSubnetId: '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-network-prod/providers/Microsoft.Network/virtualNetworks/vnet-prod/subnets/endpoints'
  dnsZones: {
    blob: '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-network-prod/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net'
    queue: '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-network-prod/providers/Microsoft.Network/privateDnsZones/privatelink.queue.core.windows.net'
    table: '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-network-prod/providers/Microsoft.Network/privateDnsZones/privatelink.table.core.windows.net'
  }
}
param publicNetworkAccess = false
param pipelineSettings = {
  KAFKA_BROKERS: 'kafka-1.internal.example.com:9093'
  KAFKA_USERNAME: 'orders'
}
param pipelineSecrets = {
  KAFKA_PASSWORD: 'orders-kafka-password'
}
param actionGroupIds = [
  '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-platform-prod/providers/Microsoft.Insights/actionGroups/ag-data'
]
