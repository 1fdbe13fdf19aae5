metadata description = 'A private endpoint, and its entry in a private DNS zone where one is given.'

param name string
param location string
param tags object
param subnetId string
param targetId string

@description('What of the target is reached: blob, dfs, queue, table, vault, sites.')
param groupId string

@description('Zone that the endpoint registers in; empty where somebody else does that, such as a policy.')
param zoneId string

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    customNetworkInterfaceName: '${name}-nic'
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: name
        properties: {
          privateLinkServiceId: targetId
          groupIds: [groupId]
        }
      }
    ]
  }

  resource registration 'privateDnsZoneGroups' = if (!empty(zoneId)) {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: groupId
          properties: { privateDnsZoneId: zoneId }
        }
      ]
    }
  }
}
