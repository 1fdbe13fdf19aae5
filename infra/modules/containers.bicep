metadata description = 'Continuous mode: a container for each pipeline, which runs always and commits every checkpoint interval.'

import { containerPipeline } from '../types.bicep'

param environmentName string

@description('Begins the name of each container app.')
param namePrefix string
param location string
param tags object
param image string

@description('Registries that the identity pulls images from; empty for a public image.')
param registryServers string[]
param pipelines containerPipeline[]

@description('Environment variables of each container, by name.')
param settings object

@description('Address of the vault, with a slash at its end.')
param vaultUri string

@description('Environment variables whose values are secrets of the vault: name to secret name.')
param vaultReferences object

@description('Folder for rows that wait for a checkpoint; empty for the temporary folder.')
param stateDirectory string
param identityId string

@description('Subnet of the environment; empty for none.')
param subnetId string

@description('Takes the logs.')
param workspaceId string

var definitionFolder = '/etc/matih/pipelines'
var healthPort = 8471

// The pairs that the consumption profile offers.
var memoryByCores = {
  '0.25': '0.5Gi'
  '0.5': '1Gi'
  '0.75': '1.5Gi'
  '1.0': '2Gi'
  '1.25': '2.5Gi'
  '1.5': '3Gi'
  '1.75': '3.5Gi'
  '2.0': '4Gi'
  '2.5': '5Gi'
  '3.0': '6Gi'
  '3.5': '7Gi'
  '4.0': '8Gi'
}

resource environment 'Microsoft.App/managedEnvironments@2026-07-01' = {
  name: environmentName
  location: location
  tags: tags
  properties: {
    // Logs go through Azure Monitor, which needs no key of the workspace.
    appLogsConfiguration: { destination: 'azure-monitor' }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    vnetConfiguration: empty(subnetId)
      ? null
      : {
          infrastructureSubnetId: subnetId
          internal: true
        }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environment
  name: 'logs'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
  }
}

resource apps 'Microsoft.App/containerApps@2026-07-01' = [
  for pipeline in pipelines: {
    name: '${namePrefix}${pipeline.name}'
    location: location
    tags: tags
    identity: {
      type: 'UserAssigned'
      userAssignedIdentities: { '${identityId}': {} }
    }
    properties: {
      environmentId: environment.id
      workloadProfileName: 'Consumption'
      configuration: {
        activeRevisionsMode: 'Single'
        registries: [
          for server in registryServers: {
            server: server
            identity: identityId
          }
        ]
        secrets: concat(
          // Not a secret, but the way to a file. Its name changes with it, so that a new definition is a new revision.
          [
            {
              name: 'pipeline-${uniqueString(pipeline.definition)}'
              value: pipeline.definition
            }
          ],
          map(items(vaultReferences), secret => {
            name: toLower(replace(secret.key, '_', '-'))
            keyVaultUrl: '${vaultUri}secrets/${secret.value}'
            identity: identityId
          })
        )
      }
      template: {
        // Time for the last checkpoint after SIGTERM.
        terminationGracePeriodSeconds: 120
        scale: {
          minReplicas: 1
          maxReplicas: 1
        }
        containers: [
          {
            name: 'matih'
            image: image
            // As a member, the container of a new revision stands by, instead of taking over from one that still runs.
            args: ['run', '${definitionFolder}/${pipeline.name}.yaml', '--member']
            resources: {
              cpu: json(pipeline.cpu)
              memory: memoryByCores[pipeline.cpu]
            }
            env: concat(
              map(items(settings), setting => {
                name: setting.key
                value: setting.value
              }),
              [
                {
                  name: 'MATIH_HEALTH'
                  value: '0.0.0.0:${healthPort}'
                }
              ],
              map(items(vaultReferences), secret => {
                name: secret.key
                secretRef: toLower(replace(secret.key, '_', '-'))
              })
            )
            probes: [
              {
                type: 'Startup'
                httpGet: {
                  path: '/health/live'
                  port: healthPort
                }
                periodSeconds: 5
                failureThreshold: 24
              }
              {
                type: 'Liveness'
                httpGet: {
                  path: '/health/live'
                  port: healthPort
                }
                periodSeconds: 30
                failureThreshold: 3
              }
              {
                type: 'Readiness'
                httpGet: {
                  path: '/health/ready'
                  port: healthPort
                }
                periodSeconds: 10
                failureThreshold: 3
              }
            ]
            volumeMounts: concat(
              [
                {
                  volumeName: 'pipelines'
                  mountPath: definitionFolder
                }
              ],
              empty(stateDirectory)
                ? []
                : [
                    {
                      volumeName: 'state'
                      mountPath: stateDirectory
                    }
                  ]
            )
          }
        ]
        volumes: concat(
          [
            {
              name: 'pipelines'
              storageType: 'Secret'
              secrets: [
                {
                  secretRef: 'pipeline-${uniqueString(pipeline.definition)}'
                  path: '${pipeline.name}.yaml'
                }
              ]
            }
          ],
          empty(stateDirectory)
            ? []
            : [
                {
                  name: 'state'
                  storageType: 'EmptyDir'
                }
              ]
        )
      }
    }
  }
]

output environmentId string = environment.id
output appIds string[] = [for (pipeline, index) in pipelines: apps[index].id]
